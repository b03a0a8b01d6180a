/** The project's source files as the tidy tests see them. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Source {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** `text` without comments and without what stands in quotes. */
  readonly code: string;
  /** What it imports: paths from the root, or package names. */
  readonly imports: readonly string[];
}

const COMMENT_OR_QUOTED =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
const COMMENT = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
const IMPORT = /\b(?:from|import)\s*\(?\s*"([^"]+)"/g;
/** Files named by URL: thread entries. */
const URL_IMPORT = /new URL\(\s*"(\.[^"]+)"/g;

function resolveImport(from: string, name: string): string {
  if (!name.startsWith(".")) return name;
  return posix.normalize(posix.join(posix.dirname(from), name)).replace(/\.js$/, ".ts");
}

export const stripQuoted = (text: string): string => text.replace(COMMENT_OR_QUOTED, " ");

function read(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  const uncommented = text.replace(COMMENT, "$1");
  const names = [...uncommented.matchAll(IMPORT), ...uncommented.matchAll(URL_IMPORT)];
  return {
    path,
    text,
    code: stripQuoted(text),
    imports: names.map(([, name = ""]) => resolveImport(path, name)),
  };
}

/** TypeScript and JavaScript modules under the folders. */
export function sources(...folders: string[]): Source[] {
  return filesUnder(...folders)
    .filter((path) => /\.(ts|mjs)$/.test(path))
    .map(read);
}

/** All files under the folders, from the root. */
export function filesUnder(...folders: string[]): string[] {
  return folders
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

export const directoryOf = (path: string): string => dirname(path).replaceAll("\\", "/");

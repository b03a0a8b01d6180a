// Sources to JavaScript, each file once: what came out is kept, by what went in. Every thread of every test imports a
// hundred of them, so this is much of what the tests take; tsx, which knows more dialects, needs twice the time.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { threadId } from "node:worker_threads";

const ROOT = new URL("../", import.meta.url).href;
const CACHE = fileURLToPath(new URL("../node_modules/.cache/virtlab/", import.meta.url));
const OPTIONS = {
  loader: "ts",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  sourcesContent: false,
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, verbatimModuleSyntax: true } },
};
const SALT = JSON.stringify(OPTIONS);

/** What the package exports, by the name that users import it by: here it is not built. */
const { name, exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const EXPORTED = new Map(
  Object.entries(exports).flatMap(([path, target]) => {
    const source = /^\.\/dist\/(.*)\.js$/.exec(target.default ?? "");
    return source === null ? [] : [[name + path.slice(1), `${ROOT}${source[1]}.ts`]];
  }),
);

const isOwn = (url) => url.startsWith(ROOT) && url.endsWith(".ts") && !url.includes("/node_modules/");

/** Among themselves the sources name files as they are. */
export function resolve(specifier, context, next) {
  const exported = EXPORTED.get(specifier);
  if (exported !== undefined) return { url: exported, format: "module", shortCircuit: true };
  if (specifier.startsWith(".") && specifier.endsWith(".ts") && isOwn(context.parentURL))
    return { url: new URL(specifier, context.parentURL).href, format: "module", shortCircuit: true };
  return next(specifier, context);
}

export function load(url, context, next) {
  if (!isOwn(url)) return next(url, context);
  return javascript(fileURLToPath(url)).then((source) => ({ format: "module", source, shortCircuit: true }));
}

async function javascript(path) {
  const source = readFileSync(path);
  const key = createHash("sha1").update(SALT).update(path).update(source).digest("hex");
  const kept = join(CACHE, key);
  try {
    return readFileSync(kept);
  } catch {
    const { transform } = await import("esbuild");
    const { code } = await transform(source, { ...OPTIONS, sourcefile: path });
    keep(kept, code);
    return code;
  }
}

/** In one step, for other threads may read it meanwhile. */
function keep(path, code) {
  const written = `${path}.${process.pid}.${threadId}`;
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(written, code);
  renameSync(written, path);
}

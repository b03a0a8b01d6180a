/** Starting a worker thread from the sources or from the build, and finding modules that users name. */
import { statSync } from "node:fs";
import { register } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ResourceLimits, type TransferListItem, Worker } from "node:worker_threads";
import { UsageError } from "../host/device.ts";

const FROM_SOURCES = import.meta.url.endsWith(".ts");
const PROJECT = new URL("../../", import.meta.url).href;

/** Starts `workers/<name>`; `data` becomes its workerData. */
export function startThread(
  name: string,
  data: Record<string, unknown>,
  transfer?: readonly TransferListItem[],
  limits?: ResourceLimits,
): Worker {
  return startThreadAt(
    new URL(`../../workers/${name}.${FROM_SOURCES ? "ts" : "js"}`, import.meta.url),
    name,
    data,
    transfer,
    limits,
  );
}

/** Starts a thread at any entry, which finds `data` in its workerData. */
export function startThreadAt(
  entry: URL,
  name: string,
  data: Record<string, unknown>,
  transfer: readonly TransferListItem[] = [],
  limits: ResourceLimits = {},
): Worker {
  const file = entry.pathname.endsWith(".ts") ? new URL("../../workers/boot.mjs", import.meta.url) : entry;
  return new Worker(file, {
    workerData: { ...data, entry: entry.href },
    name: `virtlab ${name}`,
    transferList: [...transfer],
    resourceLimits: limits,
  });
}

/** A path, as given on a command line, or a URL: as a URL. */
export function moduleUrl(nameOrUrl: string | URL, base: string = process.cwd()): string {
  const text = String(nameOrUrl);
  return /^(file|data|node):/.test(text) ? text : pathToFileURL(resolve(base, text)).href;
}

let typescript: Promise<unknown> | undefined;

/** Imports a user's module, which may be TypeScript of any dialect. */
export async function importModule(url: string): Promise<Record<string, unknown>> {
  await prepareImport(url);
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    if (url.startsWith("file:") && !isFile(fileURLToPath(url))) throw new UsageError("there is no such file");
    throw error;
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** What must be in place before a module of this name can be imported. */
export async function prepareImport(url: string): Promise<void> {
  if (!/\.[cm]?tsx?$/.test(new URL(url).pathname)) return;
  // While the sources run as they are, something knows their dialect already.
  if (FROM_SOURCES && url.startsWith(PROJECT)) return;
  typescript ??= import("tsx/esm/api").then(({ register: takeTypescript }) => {
    takeTypescript();
    register(TYPESCRIPT_IS_MODULES);
  });
  await typescript;
}

/**
 * A module of a user's is an ES module. In a package that does not say so, as `npm init` makes it, TypeScript would be
 * taken for CommonJS, which cannot load us.
 */
const TYPESCRIPT_IS_MODULES = `data:text/javascript,${encodeURIComponent(`
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context);
  const isModule = /^file:.*\\.tsx?($|\\?)/.test(resolved.url) && !resolved.url.includes("/node_modules/");
  return isModule ? { ...resolved, format: "module" } : resolved;
}`)}`;

/** The path of a file URL, for messages; anything else as it is. */
export const displayUrl = (url: string): string => (url.startsWith("file:") ? fileURLToPath(url) : url);

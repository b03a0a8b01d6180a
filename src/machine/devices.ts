/** From a device's description to its model: find the definition, check the options, create. */
import { devices as shipped } from "../devices/index.ts";
import { type DeviceDefinition, type DeviceOption, type DeviceOptions, UsageError } from "../host/device.ts";
import { expected, oneOf, parseSize } from "./description.ts";
import { nearestName } from "./nearest-name.ts";
import { displayUrl, importModule, moduleUrl } from "./thread.ts";

const looksLikeModule = (type: string): boolean => /[/\\.:]/.test(type);

export async function findDevice(type: string): Promise<DeviceDefinition> {
  if (looksLikeModule(type)) return loadDevice(moduleUrl(type));
  const definition = Object.entries(shipped).find(([name]) => name === type)?.[1];
  if (definition !== undefined) return definition;
  const names = Object.keys(shipped);
  throw new UsageError(
    `unknown device "${type}"${nearestName(type, names)}; known are ${names.join(", ")}, or the path of a module`,
  );
}

async function loadDevice(url: string): Promise<DeviceDefinition> {
  let module: Record<string, unknown>;
  try {
    module = await importModule(url);
  } catch (error) {
    throw new UsageError(`device module ${displayUrl(url)} cannot be loaded: ${(error as Error).message}`);
  }
  const definition = module.default as Partial<DeviceDefinition> | undefined;
  if (
    typeof definition?.create !== "function" ||
    typeof definition.name !== "string" ||
    !Number.isInteger(definition.virtioId)
  ) {
    throw new UsageError(
      `device module ${displayUrl(url)}: expected \`export default defineDevice({ … })\`, got ${describe(module.default)}`,
    );
  }
  return definition as DeviceDefinition;
}

const describe = (value: unknown): string =>
  value === undefined
    ? "no default export"
    : typeof value === "object" && value !== null
      ? "an object without name, virtioId or create()"
      : typeof value;

/** Checks values against the device's table of options; numbers and sizes may come as text. */
export function checkOptions(
  definition: DeviceDefinition,
  given: Readonly<Record<string, string | number | boolean>>,
): DeviceOptions {
  const known = definition.options ?? {};
  const checked: Record<string, string | number | boolean | undefined> = {};
  for (const [name, option] of Object.entries(known)) checked[name] = option.default;
  for (const [name, value] of Object.entries(given)) {
    const option = Object.hasOwn(known, name) ? known[name] : undefined;
    if (option === undefined) {
      const names = Object.keys(known);
      throw new UsageError(
        `device ${definition.name}: unknown option "${name}"${nearestName(name, names)}; ` +
          (names.length > 0 ? `known are ${names.join(", ")}` : "it has none"),
      );
    }
    checked[name] = checkOption(`device ${definition.name}, ${name}`, option, value);
  }
  return checked;
}

const isDecimal = (value: string | boolean): boolean =>
  typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);

function checkOption(name: string, { type }: DeviceOption, value: string | number | boolean) {
  if (typeof type !== "string") return oneOf(name, value, type);
  if (type === "string") return String(value);
  if (type === "size") return parseSize(name, typeof value === "boolean" ? "" : value);
  if (type === "number") {
    const number = typeof value === "number" || isDecimal(value) ? Number(value) : Number.NaN;
    if (!Number.isFinite(number)) throw expected(name, "a number", value);
    return number;
  }
  if (value === true || value === "on" || value === "true") return true;
  if (value === false || value === "off" || value === "false") return false;
  throw expected(name, "on or off", value);
}

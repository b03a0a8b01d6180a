/** QEMU's `key=value,key=value`, and what a device's back end adds to the command line. */

export type Properties = Readonly<Record<string, string | number | boolean>>;

/** Arguments that come before the device, and properties of the device itself. */
export interface BackEnd {
  readonly args: readonly string[];
  readonly properties: Properties;
  /** Arguments that come after it. */
  readonly behind?: readonly string[];
}

export const propertyList = (properties: Properties): string[] =>
  Object.entries(properties).map(([key, value]) => `${key}=${propertyValue(value)}`);

/** A comma ends a value unless it is doubled. */
const propertyValue = (value: string | number | boolean): string =>
  typeof value === "boolean" ? (value ? "on" : "off") : String(value).replaceAll(",", ",,");

/** A user's driver module in the guest of an episode: the driver takes the place of a shipped one of the same id. */
import { drivers } from "../../drivers/index.ts";
import type { GuestContext } from "../../guest/define.ts";
import type { VirtioDriver } from "../../guest/virtio/types.ts";
import { UsageError } from "../../host/device.ts";
import { displayUrl, importModule } from "../../machine/thread.ts";
import { DiskRider } from "./riders/disk-rider.ts";
import { OwnRider, type StressFunction } from "./riders/own-rider.ts";
import type { Rider, RiderContext } from "./riders/rider.ts";
import type { Own } from "./swarm.ts";

export interface OwnDriver {
  readonly driver: VirtioDriver;
  readonly stress: StressFunction;
}

/** How to make a rider for the user's device. */
export async function loadOwn({ virtio }: GuestContext, own: Own): Promise<(context: RiderContext) => Rider> {
  if (own.driver === undefined) return (context) => new DiskRider(context);
  const { driver, stress } = await loadDriver(own.driver);
  const shipped = drivers.find(({ deviceId }) => deviceId === driver.deviceId);
  if (shipped !== undefined) virtio.unregisterDriver(shipped);
  virtio.registerDriver(driver);
  return (context) => new OwnRider(context, stress);
}

export async function loadDriver(url: string): Promise<OwnDriver> {
  const where = `driver module ${displayUrl(url)}`;
  let module: Record<string, unknown>;
  try {
    module = await importModule(url);
  } catch (error) {
    throw new UsageError(`${where} cannot be loaded: ${(error as Error).message}`);
  }
  const driver = module.default as Partial<VirtioDriver> | undefined;
  if (typeof driver?.probe !== "function" || typeof driver.deviceId !== "number")
    throw new UsageError(
      `${where}: expected \`export default defineDriver({ … })\`, got ${typeof module.default}`,
    );
  if (typeof module.stress !== "function")
    throw new UsageError(
      `${where}: expected \`export async function stress(driver, { random }) { … }\` beside it`,
    );
  return { driver: driver as VirtioDriver, stress: module.stress as StressFunction };
}

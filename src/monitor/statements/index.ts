/** All statements, and where the text or the drivers of the time do not hold to them. */
import { devicesStatements } from "./devices.ts";
import { netStatements } from "./net.ts";
import { ringsStatements } from "./rings.ts";
import type { Statement } from "./statement.ts";
import { transportStatements } from "./transport.ts";

export type { Statement, Strength } from "./statement.ts";

export const STATEMENTS: readonly Statement[] = [
  ...transportStatements,
  ...ringsStatements,
  ...netStatements,
  ...devicesStatements,
];

const BY_ID = new Map(STATEMENTS.map((each) => [each.id, each]));

export function statementOf(id: string): Statement {
  const found = BY_ID.get(id);
  if (found === undefined) throw new Error(`no statement ${id}`);
  return found;
}

/**
 * Breaches that the legacy drivers of the time are known for, and that their devices put up with: reported as
 * tolerated, never as broken.
 */
export const TOLERATED: Readonly<Record<string, string>> = {
  "STATUS-DRV-05": "Linux 2.6.3x does not read status back after a reset",
  "SPLIT-DRV-10": "Linux does not check the length of an indirect table against the queue",
  "SPLIT-DRV-25": "Linux kicks a full ring whatever the device says",
  "BALLOON-DRV-12": "Linux writes each field of the configuration byte by byte",
  "PCI-DEV-24": "0.9.5 calls the ISR unused with MSI-X",
  "SPLIT-DEV-15": "legacy devices have got the used length wrong: drivers do not rely on it",
};

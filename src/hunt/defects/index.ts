/** The planted defects, in the catalogue's order. */
import type { Defect } from "../defect.ts";
import r33 from "./r33.ts";

export const DEFECTS: readonly Defect[] = [r33];

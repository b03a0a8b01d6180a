/** The planted defects, in the order of the catalogue. */
import type { Defect } from "../defect.ts";
import { notPlanted } from "./packed.ts";
import r01 from "./r01.ts";
import r02 from "./r02.ts";
import r03 from "./r03.ts";
import r04 from "./r04.ts";
import r05 from "./r05.ts";
import r07 from "./r07.ts";
import r08 from "./r08.ts";
import r09 from "./r09.ts";
import r10 from "./r10.ts";
import r14 from "./r14.ts";
import r15 from "./r15.ts";
import r17 from "./r17.ts";
import r18 from "./r18.ts";
import r20 from "./r20.ts";
import r20b from "./r20b.ts";
import r21 from "./r21.ts";
import r22 from "./r22.ts";
import r24 from "./r24.ts";
import r25 from "./r25.ts";
import r29 from "./r29.ts";
import r31 from "./r31.ts";
import r33 from "./r33.ts";
import r34 from "./r34.ts";
import r36 from "./r36.ts";
import r37 from "./r37.ts";
import r37b from "./r37b.ts";
import r41 from "./r41.ts";
import r43 from "./r43.ts";
import r44 from "./r44.ts";
import r45 from "./r45.ts";
import r46 from "./r46.ts";
import r48 from "./r48.ts";
import r48b from "./r48b.ts";
import r50 from "./r50.ts";
import r51 from "./r51.ts";
import r52 from "./r52.ts";
import r53 from "./r53.ts";
import r54 from "./r54.ts";
import r55 from "./r55.ts";
import r56 from "./r56.ts";
import r58 from "./r58.ts";
import r59 from "./r59.ts";
import r60 from "./r60.ts";
import r61 from "./r61.ts";
import r62 from "./r62.ts";
import r63 from "./r63.ts";
import r65 from "./r65.ts";
import r65b from "./r65b.ts";
import r66 from "./r66.ts";
import r69 from "./r69.ts";
import r70 from "./r70.ts";
import r72 from "./r72.ts";
import r74 from "./r74.ts";
import r76 from "./r76.ts";
import r78 from "./r78.ts";
import r80 from "./r80.ts";
import r81 from "./r81.ts";
import r82 from "./r82.ts";
import r84 from "./r84.ts";

export const DEFECTS: readonly Defect[] = [
  r01,
  r02,
  r03,
  r04,
  r05,
  r07,
  r08,
  r09,
  r10,
  r14,
  r15,
  r17,
  r18,
  r20,
  r20b,
  r21,
  r22,
  r24,
  r25,
  r29,
  r31,
  r33,
  r34,
  r36,
  r37,
  r37b,
  r41,
  r43,
  r44,
  r45,
  r46,
  r48,
  r48b,
  r50,
  r51,
  r52,
  r53,
  r54,
  r55,
  r56,
  r58,
  r59,
  r60,
  r61,
  r62,
  r63,
  r65,
  r65b,
  r66,
  r69,
  r70,
  r72,
  r74,
  r76,
  r78,
  r80,
  r81,
  r82,
  r84,
  ...notPlanted,
];

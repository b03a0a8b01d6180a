/** The entry of the thread that looks for races in a live machine. */
import { readAlong } from "../src/hunt/races/live-reader.ts";

readAlong();

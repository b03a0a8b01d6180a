/** Prepares the sides of a machine with a defect whose own code throws. */
import { plant } from "../../../src/hunt/defect.ts";
import wrong from "../../hunt/defects/private-field.ts";

export default function prepare(): void {
  plant(wrong);
}

import { expect, test } from "vitest";
import { plant } from "../../src/hunt/defect.ts";

class Base {
  first(): string {
    return `first, ${this.second()}`;
  }
  second(): string {
    return "second";
  }
}
class Replaced extends Base {
  override second(): string {
    return `not ${super.second()}`;
  }
}

test("a planted method takes the original's place, and super still reaches it", () => {
  const undo = plant({ replacements: [{ base: Base, by: Replaced }] });
  expect(new Base().first()).toBe("first, not second");
  undo();
});

test("taking the defect out leaves nothing behind", () => {
  plant({ replacements: [{ base: Base, by: Replaced }] })();
  expect(new Base().first()).toBe("first, second");
  expect(new Replaced().first()).toBe("first, not second");
});

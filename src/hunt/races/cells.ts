/**
 * What is known about each byte of a shared buffer, kept by ranges: bytes that have always been accessed together are
 * one cell. A cell is split where an access begins or ends inside it.
 */

export interface Cell<State> {
  start: number;
  end: number;
  readonly state: State;
  /** The state as a list: what most ranges consist of. */
  readonly alone: readonly State[];
}

const PAGE_SHIFT = 10;
const PAGE = 1 << PAGE_SHIFT;

export class Cells<State> {
  readonly #pages = new Map<number, Cell<State>[]>();
  readonly #fresh: () => State;
  readonly #copy: (state: State) => State;

  constructor(fresh: () => State, copy: (state: State) => State) {
    this.#fresh = fresh;
    this.#copy = copy;
  }

  /** The states of a range, and of nothing else. */
  range(start: number, bytes: number): readonly State[] {
    const end = start + bytes;
    const cells = this.#pages.get(Math.floor(start / PAGE));
    if (cells !== undefined) {
      const cell = cells[firstPast(cells, start)];
      if (cell?.start === start && cell.end === end) return cell.alone;
    }
    return this.#several(start, end);
  }

  #several(start: number, end: number): readonly State[] {
    const states: State[] = [];
    for (let page = Math.floor(start / PAGE); page * PAGE < end; page++) {
      const from = Math.max(start, page * PAGE);
      const to = Math.min(end, (page + 1) * PAGE);
      let cells = this.#pages.get(page);
      if (cells === undefined) {
        cells = [];
        this.#pages.set(page, cells);
      }
      for (let index = this.#cut(cells, from, to); ; index++) {
        const cell = cells[index];
        if (cell === undefined || cell.start >= to) break;
        states.push(cell.state);
      }
    }
    return states;
  }

  #cell(start: number, end: number, state: State): Cell<State> {
    return { start, end, state, alone: [state] };
  }

  /** Makes cells begin at `from` and end at `to`, and none be missing between; where the first one is. */
  #cut(cells: Cell<State>[], from: number, to: number): number {
    const first = this.#split(cells, from);
    let at = from;
    let index = first;
    while (at < to) {
      const cell = cells[index];
      if (cell === undefined || cell.start > at) {
        const end = Math.min(to, cell?.start ?? to);
        cells.splice(index, 0, this.#cell(at, end, this.#fresh()));
        at = end;
      } else {
        if (cell.end > to) this.#split(cells, to);
        at = Math.min(cell.end, to);
      }
      index++;
    }
    return first;
  }

  /** No cell lies across `at` any more; the first one that does not lie before it. */
  #split(cells: Cell<State>[], at: number): number {
    const low = firstPast(cells, at);
    const cell = cells[low];
    if (cell === undefined || cell.start >= at) return low;
    cells.splice(low + 1, 0, this.#cell(at, cell.end, this.#copy(cell.state)));
    cell.end = at;
    return low + 1;
  }
}

/** The first cell that ends behind `at`. */
function firstPast<State>(cells: readonly Cell<State>[], at: number): number {
  let low = 0;
  let high = cells.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cells[middle] as Cell<State>).end <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

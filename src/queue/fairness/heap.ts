/** A binary min-heap: `push` and `pop` in O(log n), the smallest by `before` first. */
export type Heap<T> = {
  readonly size: number;
  push(item: T): void;
  pop(): T | undefined;
};

/** A binary heap whose first is whoever `before` puts before all others. */
export function createHeap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];

  function siftUp(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(items[index]!, items[parent]!)) return;
      swap(index, parent);
      index = parent;
    }
  }

  function siftDown(): void {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= items.length) return;
      const right = left + 1;
      const child = right < items.length && before(items[right]!, items[left]!) ? right : left;
      if (!before(items[child]!, items[index]!)) return;
      swap(index, child);
      index = child;
    }
  }

  function swap(a: number, b: number): void {
    const kept = items[a]!;
    items[a] = items[b]!;
    items[b] = kept;
  }

  return {
    get size() {
      return items.length;
    },
    push(item) {
      items.push(item);
      siftUp(items.length - 1);
    },
    pop() {
      const first = items[0];
      const last = items.pop();
      if (items.length > 0 && last !== undefined) {
        items[0] = last;
        siftDown();
      }
      return first;
    },
  };
}

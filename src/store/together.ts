/** How much of a queue goes in one batch. */
export interface BatchBound {
  readonly count: number;
  readonly characters: number;
}

/** How many from the front fit the bound; at least one, however long it is. */
export function togetherOf<Item>(
  queue: readonly Item[],
  { count, characters: most }: BatchBound,
  charactersOf: (item: Item) => number,
): number {
  let characters = 0;
  let length = 0;
  for (const item of queue) {
    characters += charactersOf(item);
    if (length > 0 && (length === count || characters > most)) break;
    length += 1;
  }
  return length;
}

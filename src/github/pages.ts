/** Lists that GitHub hands out in pages, item by item, as long as the caller wants more. */

/** GitHub's limit for one page. */
export const perPage = 100;

/** Asks for page after page, from 1, until one is not full. */
export async function* pages<T>(ask: (page: number) => Promise<readonly T[]>): AsyncGenerator<T> {
  for (let page = 1; ; page += 1) {
    const items = await ask(page);
    yield* items;
    if (items.length < perPage) return;
  }
}

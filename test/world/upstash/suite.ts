/** One stand-in for all tests of a suite, empty and sound before each. */
import { afterAll, beforeAll, beforeEach } from "vitest";
import { openCaller, type Caller } from "./caller.ts";
import { openUpstash, type Upstash } from "./upstash.ts";

export interface UpstashSuite {
  readonly upstash: Upstash;
  readonly caller: Caller;
}

/** Called where the suite is described; what it gives is there in its tests and hooks. */
export function upstashSuite(): () => UpstashSuite {
  let opened: UpstashSuite | undefined;
  const suite = (): UpstashSuite => {
    if (opened === undefined) throw new Error("the stand-in for Upstash is not open");
    return opened;
  };
  beforeAll(async () => {
    const upstash = await openUpstash();
    opened = { upstash, caller: openCaller(upstash) };
  });
  afterAll(() => suite().upstash.close());
  beforeEach(async () => {
    const { upstash } = suite();
    await upstash.flush();
    upstash.faults.clear();
    upstash.billed.reset();
  });
  return suite;
}

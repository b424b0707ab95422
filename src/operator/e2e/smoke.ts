/** What every change to the parts for Modal has to keep: its image is built and works, and its runner starts in it. */
import { faultsOf, weeklyTag } from "../../core/image.ts";
import { minuteMs } from "../../core/instant.ts";
import { bootFault, bootProbe } from "./boot-probe.ts";
import { expectThat, small, type Step } from "./step.ts";

const image: Step = {
  name: "the image of this checkout is built, tried and published",
  level: "smoke",
  confirms: ["image-builds", "image-works"],
  // Of the sandbox that it is tried in; a build is not billed as one.
  likely: { resources: { cpu: 1, memoryMiB: 1024 }, seconds: 40 },
  async run({ run, image: published, claudeCode, images, clock, metered, built, tell }) {
    const recipe = { tag: weeklyTag(clock.now()), claudeCode, freshness: `e2e ${run}` };
    const imageId = await images.build(recipe, tell);
    built(imageId);
    const found = await metered({ cpu: 1, memoryMiB: 1024 }, () => images.look(imageId));
    const faults = faultsOf(found, claudeCode);
    expectThat(faults.length === 0, faults.join(" "));
    await images.publish(imageId, published);
    return `${published} is ${imageId}: Claude Code ${claudeCode}, Node.js ${found.node.output}`;
  },
};

const runner: Step = {
  name: "the runner of this checkout boots in it",
  level: "smoke",
  confirms: ["starts-by-name", "runner-boots"],
  likely: { resources: small, seconds: 30 },
  run: ({ runner: bundle, byHand, imageId }) =>
    byHand({}, async (sandbox) => {
      expectThat(
        sandbox.imageId === imageId(),
        `a sandbox of its name started from ${sandbox.imageId}, and not from ${imageId()}`,
      );
      const { exitCode, stdout, stderr } = await sandbox.run(bootProbe(bundle), { timeoutMs: minuteMs });
      expectThat(exitCode === 0, `the probe ended with ${exitCode}: ${stderr.slice(-500)}`);
      const fault = bootFault(stdout);
      expectThat(fault === undefined, `the runner did not ask for its job: ${fault ?? ""}`);
      return `${(bundle.code.length / 1024).toFixed(1)} KiB`;
    }),
};

export const smoke: readonly Step[] = [image, runner];

/** Where the stand-in differs from GitHub's descriptions on purpose. An entry that never comes up fails the proof. */
import type { Deviation } from "./conformance.ts";

export const deviations: readonly Deviation[] = [
  {
    matches: /^GET \/nothing\/here: is described nowhere$/,
    because: "a test asks for an address that does not exist, to see that the stand-in notices",
  },
  {
    matches: /^GET \/repositories\/\d+(?:\/[\w/.%]+)?: is described nowhere$/,
    because:
      "GitHub answers a renamed repository's address with a redirect to one by id, which its description leaves out",
  },
  {
    matches: /^answer 410 of GET \/repos\/\{owner\}\/\{repo\}\/issues: status 410 is not described$/,
    because: "GitHub answers 410 where issues are switched off, which the description of their list leaves out",
  },
  {
    matches:
      /^answer 422 of POST \/repos\/\{owner\}\/\{repo\}\/pulls\/\{pull_number\}\/requested_reviewers: a body where none/,
    because: "GitHub says in the body why it asks nobody, which its description leaves out",
  },
  {
    matches: /property '(additions|deletions|changed_files|commits)' \{.*\}$/,
    because: "the stand-in does not count a pull request's changes, which are calculated in the background on GitHub",
  },
  {
    matches: /^webhook check-suite-\w+: \S+ must have required property 'head_commit'/,
    because: "the stand-in's payloads of suites name a commit by its id alone",
  },
  {
    matches: /^webhook push: \S+\/email must match format "email"/,
    because: "an app's address holds brackets on GitHub too (id+name[bot]@users.noreply.github.com)",
  },
];

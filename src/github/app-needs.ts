/** What the App has to be given on GitHub: the same as app.yml, held equal by a test. */
export const neededPermissions = {
  metadata: "read",
  contents: "write",
  issues: "write",
  pull_requests: "write",
  checks: "write",
  actions: "read",
} as const;

export const neededEvents = [
  "issue_comment",
  "issues",
  "pull_request",
  "pull_request_review",
  "pull_request_review_comment",
  "check_run",
  "workflow_run",
  "repository",
] as const;

/** May be given beside them: with it, results may change files of GitHub Actions. */
export const optionalPermissions: readonly string[] = ["workflows"];

/**
 * Every bound of GitHub that the stand-in keeps, with its source, so that a changed limit is changed in one line.
 * "docs" is docs.github.com, REST version 2022-11-28; "seen" is what people report in public issues.
 */
export const limits = {
  /** Comments, descriptions, reviews: Unicode characters. Seen: "body is too long (maximum is 65536 characters)". */
  bodyCharacters: 65_536,
  /** Issues and pull requests. Seen: "title is too long (maximum is 256 characters)". */
  titleCharacters: 256,
  /** `output.summary` and `output.text` each, UTF-8. docs: checks/runs says characters; seen: bytes are counted. */
  checkTextBytes: 65_535,
  /** docs: checks/runs, "maximum of 50 annotations per API request". */
  annotationsARequest: 50,
  /** docs: checks/runs, "64 KB"; holds for `raw_details` too. */
  annotationMessageBytes: 65_536,
  /** docs: checks/runs. */
  annotationTitleCharacters: 255,
  /** docs: checks/runs, "a maximum of three actions". */
  checkActions: 3,
  /** docs: checks/runs. */
  actionLabelCharacters: 20,
  actionDescriptionCharacters: 40,
  actionIdentifierCharacters: 20,
  /** docs: git/blobs, "supports blobs up to 100 megabytes". */
  blobBytes: 100_000_000,
  /** Seen: larger ones draw 422 or 502, so a big tree is built in steps. */
  treeEntriesARequest: 200,
  treeRequestBytes: 2_500_000,
  /** Seen: larger `createCommitOnBranch` requests fail. */
  graphqlRequestBytes: 40_000_000,
  /** docs: apps/create-an-installation-access-token. */
  tokenRepositories: 500,
  tokenLifeMs: 3_600_000,
  /** docs: about authentication with a GitHub App, "no more than 10 minutes". */
  jwtLifeS: 600,
  /** docs: webhooks, "payloads are capped at 25 MB"; a larger one is not sent. */
  webhookBytes: 25_000_000,
  /** docs: actions/workflow-jobs, the address of a log "expires after 1 minute". */
  logAddressMs: 60_000,
  /** docs: app/hook/deliveries. */
  deliveriesKeptMs: 3 * 86_400_000,
  /** docs: repos/compare-two-commits and get-a-commit, first page. */
  filesACommit: 300,
  /** docs: rate limits. Without a token 60. */
  requestsAnHour: 5000,
  anonymousRequestsAnHour: 60,
  /** docs: secondary rate limits. A read costs 1 point, a write 5. */
  pointsAMinute: 900,
  creationsAMinute: 80,
  creationsAnHour: 500,
  readPoints: 1,
  writePoints: 5,
} as const;

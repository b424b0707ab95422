/**
 * A "no" with a reason meant for the person who asked. Its message is posted verbatim, so it may name only what
 * that person may know. Any other error is a fault: the person sees a trace id, the operator a log line.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

import type { Findings, ImageTag } from "../image.ts";

export interface Recipe {
  readonly tag: ImageTag;
  /** The exact version. */
  readonly claudeCode: string;
  /** Images with the same one share their layers; another builds all but the base anew. */
  readonly freshness: string;
}

/** Where images are built and published. Every failure is thrown: a `Refusal` where an operator can cure it. */
export interface Images {
  /** Of the registry, with the version that it is pinned at: what all layers go on top of. */
  readonly base: string;
  /** Answers the image's id. `tell` hears of each layer before it is built; the `Refusal` of one that fails names it, with the cure. */
  build(recipe: Recipe, tell: (line: string) => void): Promise<string>;
  /** Looks into a sandbox of the image, which is ended in any case before this resolves. */
  look(imageId: string): Promise<Findings>;
  /** What is started by this name and tag from now on is this image. */
  publish(imageId: string, name: string): Promise<void>;
  /** Of what is published by this name and tag; undefined where nothing is. */
  idOf(name: string): Promise<string | undefined>;
  close(): void;
}

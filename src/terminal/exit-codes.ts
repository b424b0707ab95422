/** What a command at a terminal ends with, everywhere. */
export const exitCodes = { done: 0, refused: 1, misused: 2 } as const;

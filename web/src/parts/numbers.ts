// Numbers that people type: empty means the default.

export type Typed = { value?: number; problem?: string };

/** Reads a number. `whole` refuses fractions. */
export function readNumber(text: string, whole: boolean): Typed {
  const trimmed = text.trim();
  if (!trimmed) return {};
  const value = Number(trimmed);
  if (!Number.isFinite(value)) return { problem: `must be a number, got “${trimmed}”` };
  if (whole && !Number.isInteger(value)) return { problem: "must be a whole number" };
  if (whole && Math.abs(value) > 2 ** 31 - 1) return { problem: "is too large" };
  return { value };
}

/** Reads a seed: a whole number of 64 bits without a sign. */
export function readSeed(text: string): { value?: bigint; problem?: string } {
  const trimmed = text.trim();
  if (!trimmed) return {};
  if (!/^\d{1,20}$/.test(trimmed) || BigInt(trimmed) >= 2n ** 64n)
    return { problem: "must be a whole number, 0 or more" };
  return { value: BigInt(trimmed) };
}

/** A seed that is short enough to read aloud. */
export const drawSeed = (): bigint => BigInt(crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000);

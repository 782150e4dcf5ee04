import { LedgerError } from "../errors.ts";

/** Positions of the stores that number their events 1, 2, 3…: decimal, padded so that text order is their order. */
const DIGITS = 16;

export const formatPosition = (number: number): string => String(number).padStart(DIGITS, "0");

/** @throws {LedgerError} INVALID_INPUT for what {@link formatPosition} did not write. */
export function parsePosition(position: string): number {
  if (!/^\d{16}$/.test(position)) {
    throw new LedgerError(
      "INVALID_INPUT",
      `"${position.slice(0, 40)}" is no position of this store (${DIGITS} digits)`,
      {
        position,
      },
    );
  }
  return Number(position);
}

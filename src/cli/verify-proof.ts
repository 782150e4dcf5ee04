import { LedgerError } from "../errors.ts";
import { type ProofCheck, verifyProof } from "../index.ts";
import type { Options, Session } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { readText } from "./files.ts";
import { publicKeyIn } from "./keys.ts";
import { printable } from "./output.ts";

const NO_TEXT: ProofCheck = { ok: false, why: "a byte of it is no UTF-8" };

/** Checks a receipt or a proof with nothing but the public key. */
export function checkProof({ out }: Session, options: Options): number | undefined {
  const others = ["project", "fromExport", "checkpoint", "receipt", "proof"].filter(
    (name) => options[name] !== undefined,
  );
  if (others.length > 1) {
    throw new LedgerError("INVALID_INPUT", "--receipt and --proof each check one file alone: leave the others out");
  }
  const file = String(options.receipt ?? options.proof);
  const [text, publicKey] = [readText(file), publicKeyIn(options)];
  const checked = text === undefined ? NO_TEXT : ofItsKind(verifyProof(text, publicKey), options.receipt !== undefined);
  if (checked.ok) out.result(checked, checked.size, () => out.line(inWords(checked).map(printable).join("\n")));
  else if (out.style.json) out.json(checked);
  else
    out.stderr.write(
      `model-ledger: verification failed: ${printable(checked.why)}. Keep the file as it is and ask for another\n`,
    );
  return checked.ok ? undefined : EXIT.verificationFailed;
}

function ofItsKind(checked: ProofCheck, isReceipt: boolean): ProofCheck {
  if (!checked.ok || isReceipt === (checked.kind === "receipt")) return checked;
  return { ok: false, why: isReceipt ? "it is a proof, not a receipt" : "it is a receipt: check it with --receipt" };
}

function inWords(checked: Extract<ProofCheck, { readonly ok: true }>): string[] {
  const { origin, size } = checked;
  if (checked.kind === "consistency") {
    return [
      `verified: the log of ${size} events that ${origin} signed begins with all ${checked.olderSize} of the older checkpoint`,
    ];
  }
  const { event, index, explanation } = checked;
  const place = `number ${index + 1} of the ${size} events that ${origin} signed`;
  const said = typeof explanation?.paragraph === "string" ? [`${origin} says of it: ${explanation.paragraph}`] : [];
  return [`verified: event ${event.revision} of ${event.stream} (${event.type}) is ${place}`, ...said];
}

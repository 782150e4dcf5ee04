import { context, trace } from "@opentelemetry/api";
import type { Logger } from "pino";

const SERVICE = "model-ledger";

/**
 * Exports the spans of this process where the variables of OpenTelemetry ask for it (`OTEL_EXPORTER_OTLP_ENDPOINT`, and
 * whatever else the SDK reads from the environment). The SDK is not a dependency: most do without. Returns what sends
 * the last spans.
 */
export async function exportTraces(version: string, log: Logger): Promise<() => Promise<void>> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } = process.env;
  const endpoint = traces ?? all;
  if (endpoint === undefined || endpoint === "" || process.env.OTEL_SDK_DISABLED === "true") return nothing;
  try {
    const [
      { BatchSpanProcessor, TracerProvider },
      { OTLPTraceExporter },
      { AsyncLocalStorageContextManager },
      resources,
    ] = await Promise.all([
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/context-async-hooks"),
      import("@opentelemetry/resources"),
    ]);
    const resource = resources
      .resourceFromAttributes({
        "service.name": process.env.OTEL_SERVICE_NAME ?? SERVICE,
        "service.version": version,
      })
      .merge(resources.detectResources({ detectors: [resources.envDetector] }));
    const exporter = new OTLPTraceExporter();
    const provider = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter })] });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(provider);
    log.info({ endpoint }, "exporting traces");
    return () => provider.shutdown().catch((error: unknown) => log.warn({ err: error }, "traces were lost"));
  } catch (error) {
    const hint = `npm install ${TRACING_PACKAGES.join(" ")}`;
    log.warn({ err: error, hint }, "no traces are exported: the OpenTelemetry SDK is not installed");
    return nothing;
  }
}

/** What it needs, in the versions that package.json develops with. */
export const TRACING_PACKAGES = ["sdk-trace", "exporter-trace-otlp-http", "context-async-hooks", "resources"].map(
  (name) => `@opentelemetry/${name}`,
);

async function nothing(): Promise<void> {}

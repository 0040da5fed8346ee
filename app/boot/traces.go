package boot

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/fx"
)

// flushTimeout bounds how long the farm tries to send its last traces when it stops.
const flushTimeout = 3 * time.Second

// traces sends traces to a collector of the operator, if there is one. The settings are the variables of OpenTelemetry, which the operator
// has for all services: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
type traces struct {
	provider  *sdk.TracerProvider // nil without a collector
	protocol  string
	collector string
	log       *slog.Logger
}

// newTraces reads the settings. What is wrong with them is logged, and does not keep the farm from starting: they are often those of a whole
// cluster.
func newTraces(ctx context.Context, cfg Config, log *slog.Logger) traces {
	endpoint := otlpSetting("ENDPOINT")
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return traces{}
	}
	t := traces{log: log, protocol: cmp.Or(otlpSetting("PROTOCOL"), "http/protobuf")}
	switch t.protocol {
	case "http/protobuf", "http/json", "grpc":
	default:
		log.Warn("OTEL_EXPORTER_OTLP_PROTOCOL is none of http/protobuf, http/json and grpc: traces are sent with http/protobuf")
		t.protocol = "http/protobuf"
	}
	where, err := url.Parse(endpoint)
	if err != nil || where.Host == "" && t.protocol != "grpc" { // which knows other addresses, too
		log.Warn("OTEL_EXPORTER_OTLP_ENDPOINT is no URL, such as http://collector:4318: no traces are sent")
		return traces{}
	}
	// These are global, and report settings that the library can't use.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("OpenTelemetry reports an error", "error", short(err)) }))
	otel.SetLogger(logr.New(settingErrors{log}))
	t.collector = where.Host // without a password
	service := []attribute.KeyValue{semconv.ServiceName("userfarm"), semconv.ServiceInstanceID(uuid.NewString())}
	if cfg.Revision != "" {
		service = append(service, semconv.ServiceVersion(cfg.Revision))
	}
	// The provider reads the variables again, and reports the error. The rest of them can be used.
	about, _ := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(service...), resource.WithFromEnv())
	t.provider = sdk.NewTracerProvider(sdk.WithResource(about))
	return t
}

// otlpSetting returns a setting of the exporter, by preference the one that is for traces only.
func otlpSetting(name string) string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), os.Getenv("OTEL_EXPORTER_OTLP_"+name))
}

// tracerProvider returns nil without a collector.
func (t traces) tracerProvider() trace.TracerProvider {
	if t.provider == nil {
		return nil
	}
	return t.provider
}

// sendTraces sends traces from the start of the farm to its stop. Its stop must be the last one: the spans of what is stopped are sent, and
// a collector that does not answer costs nobody else time.
func sendTraces(lc fx.Lifecycle, t traces) {
	if t.provider == nil {
		return
	}
	var sender *sender
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			exporter, err := t.newExporter(ctx)
			if err != nil {
				return fmt.Errorf("traces: %w", err)
			}
			sender = newSender(exporter, t.log)
			t.provider.RegisterSpanProcessor(sdk.NewBatchSpanProcessor(sender))
			t.log.Info("traces are sent", "collector", t.collector, "protocol", t.protocol)
			return nil
		},
		OnStop: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, flushTimeout)
			defer cancel()
			defer sender.giveUp()
			if err := t.provider.Shutdown(ctx); err != nil {
				t.log.Warn("the last traces were not sent", "error", short(err))
			}
			return nil
		},
	})
}

// newExporter returns an exporter, which reads the other settings: headers, certificates, compression and timeouts.
func (t traces) newExporter(ctx context.Context) (sdk.SpanExporter, error) {
	if t.protocol == "grpc" {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

{{/* The container's environment: settings of the gateway. */}}
{{- define "gateway.env" -}}
{{- $kafka := .Values.kafka -}}
{{- if not $kafka.brokers }}{{ fail "kafka.brokers is empty: name your brokers, --set 'kafka.brokers={host:port}'" }}{{ end -}}
- {name: KAFKA_BROKERS, value: {{ join "," $kafka.brokers | quote }}}
- {name: TOPICS, value: {{ include "gateway.topics" . | quote }}}
{{- if .Values.streamsFile }}
- {name: STREAMS_FILE, value: /etc/sse-kafka-fanout/streams/streams.yaml}
{{- end }}
- {name: TLS_CERT_FILE, value: /etc/sse-kafka-fanout/tls/tls.crt}
- {name: TLS_KEY_FILE, value: /etc/sse-kafka-fanout/tls/tls.key}
{{- with $kafka.rack }}
- {name: KAFKA_RACK, value: {{ quote . }}}
{{- end }}
{{- if $kafka.tls.enabled }}
- {name: KAFKA_TLS, value: "true"}
{{- end }}
{{- if $kafka.tls.caSecret }}
- {name: KAFKA_CA_FILE, value: /etc/sse-kafka-fanout/kafka-ca/ca.crt}
{{- end }}
{{- if $kafka.tls.clientSecret }}
- {name: KAFKA_CERT_FILE, value: /etc/sse-kafka-fanout/kafka-client/tls.crt}
- {name: KAFKA_KEY_FILE, value: /etc/sse-kafka-fanout/kafka-client/tls.key}
{{- end }}
{{- if $kafka.sasl.mechanism }}
{{- $secret := $kafka.sasl.secret }}
- {name: KAFKA_SASL_MECHANISM, value: {{ $kafka.sasl.mechanism }}}
{{- if eq $kafka.sasl.mechanism "OAUTHBEARER" }}
{{- with $kafka.sasl.oauth }}
{{- if .tokenUrl }}
- {name: KAFKA_OAUTH_TOKEN_URL, value: {{ quote .tokenUrl }}}
- {name: KAFKA_OAUTH_CLIENT_ID, value: {{ quote .clientId }}}
{{- if .assertionFile }}
- {name: KAFKA_OAUTH_ASSERTION_FILE, value: {{ quote .assertionFile }}}
{{- else if $secret }}
- {name: KAFKA_OAUTH_CLIENT_SECRET, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: clientSecret}}}
{{- else }}{{ fail "kafka.sasl.oauth.tokenUrl needs kafka.sasl.secret, a Secret with `clientSecret`, or kafka.sasl.oauth.assertionFile" }}
{{- end }}
{{- with .parameters }}
- {name: KAFKA_OAUTH_PARAMETERS, value: {{ include "gateway.pairs" . | quote }}}
{{- end }}
{{- else if .tokenFile }}
- {name: KAFKA_OAUTH_TOKEN_FILE, value: {{ quote .tokenFile }}}
{{- else }}{{ fail "OAUTHBEARER needs kafka.sasl.oauth.tokenUrl or kafka.sasl.oauth.tokenFile" }}
{{- end }}
{{- with .extensions }}
- {name: KAFKA_OAUTH_EXTENSIONS, value: {{ include "gateway.pairs" . | quote }}}
{{- end }}
{{- end }}
{{- else if eq $kafka.sasl.mechanism "AWS_MSK_IAM" }}
- {name: AWS_REGION, value: {{ required "AWS_MSK_IAM needs kafka.sasl.awsRegion" $kafka.sasl.awsRegion | quote }}}
{{- else }}
{{- if not $secret }}{{ fail "kafka.sasl.mechanism needs kafka.sasl.secret: a Secret with `username` and `password`" }}{{ end }}
- {name: KAFKA_USERNAME, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: username}}}
- {name: KAFKA_PASSWORD, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: password}}}
{{- end }}
{{- end }}
{{- if .Values.adminTokenSecret }}
- {name: ADMIN_TOKEN_FILE, value: /etc/sse-kafka-fanout/admin-token/token}
{{- end }}
{{- with .Values.registrySecret }}
- {name: REGISTRY_USERNAME, valueFrom: {secretKeyRef: {name: {{ . }}, key: username}}}
- {name: REGISTRY_PASSWORD, valueFrom: {secretKeyRef: {name: {{ . }}, key: password}}}
{{- end }}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ include "gateway.text" $value | quote }}}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

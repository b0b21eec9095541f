{{- define "vico.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "vico.selector" -}}
app.kubernetes.io/name: vico
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "vico.labels" -}}
{{ include "vico.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* An image's reference: dict "image" … "root" $ */}}
{{- define "vico.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{/* The values of one class of workers: dict "class" {…} "root" $ */}}
{{- define "vico.worker" -}}
{{- mustMergeOverwrite (deepCopy .root.Values.workerDefaults) (deepCopy (default dict .class)) | toYaml -}}
{{- end -}}

{{/* The restricted profile: dict "user" the user's and group's number */}}
{{- define "vico.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "vico.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where a pod may go: dict "v" values of the server or of a class of workers */}}
{{- define "vico.placement" -}}
{{- with .v.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .v.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Not empty if servers share a database and a bucket; fails if only one of the two is there. */}}
{{- define "vico.shared" -}}
{{- $database := or .Values.database.url .Values.database.bundled.enabled -}}
{{- $blobs := or .Values.blobs.url .Values.blobs.bundled.enabled -}}
{{- if and $database (not $blobs) -}}
{{- fail "blobs.url: must name a bucket if there is a database" -}}
{{- end -}}
{{- if and $blobs (not $database) -}}
{{- fail "database.url: must name a database if there is a bucket" -}}
{{- end -}}
{{- if $database -}}yes{{- end -}}
{{- end -}}

{{- define "vico.databaseUrl" -}}
{{- if .Values.database.bundled.enabled -}}
postgres://vico@{{ include "vico.name" . }}-postgresql:5432/vico
{{- else -}}
{{ .Values.database.url }}
{{- end -}}
{{- end -}}

{{/* The secret with the database's password; empty if there is none. */}}
{{- define "vico.databaseSecret" -}}
{{- if .Values.database.passwordSecret -}}
{{ .Values.database.passwordSecret }}
{{- else if .Values.database.password -}}
{{ include "vico.name" . }}-database
{{- end -}}
{{- end -}}

{{/* The secret with the bucket's credentials; empty if there is none. */}}
{{- define "vico.blobsSecret" -}}
{{- if .Values.blobs.credentialsSecret -}}
{{ .Values.blobs.credentialsSecret }}
{{- else if .Values.blobs.accessKeyId -}}
{{ include "vico.name" . }}-blobs
{{- end -}}
{{- end -}}

{{/* What a program needs to reach the database: dict "root" $ "secret" the password's secret */}}
{{- define "vico.databaseArgs" -}}
- --database={{ include "vico.databaseUrl" .root }}
{{- if .secret }}
- --database-password-file=/etc/vico/database/password
{{- end }}
{{- end -}}

{{- define "vico.databaseEnv" -}}
{{- if .root.Values.database.caSecret }}
- {name: PGSSLROOTCERT, value: /etc/vico/database-ca/ca.crt}
{{- end }}
{{- end -}}

{{- define "vico.databaseMounts" -}}
{{- if .secret }}
- {name: database, mountPath: /etc/vico/database, readOnly: true}
{{- end }}
{{- if .root.Values.database.caSecret }}
- {name: database-ca, mountPath: /etc/vico/database-ca, readOnly: true}
{{- end }}
{{- end -}}

{{- define "vico.databaseVolumes" -}}
{{- with .secret }}
- name: database
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items: [{key: password, path: password}]
{{- end }}
{{- with .root.Values.database.caSecret }}
- name: database-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end -}}

{{- define "vico.blobsArgs" -}}
{{- $b := .Values.blobs -}}
{{- if $b.bundled.enabled -}}
- --blobs=s3://vico
- --s3-endpoint=http://{{ include "vico.name" . }}-seaweedfs:8333
{{- else -}}
- --blobs={{ $b.url }}
{{- with $b.endpoint }}
- --s3-endpoint={{ . }}
{{- end }}
{{- end }}
- --s3-region={{ $b.region }}
- --keep-deleted-days={{ $b.keepDeletedDays }}
{{- if $b.caSecret }}
- --s3-ca=/etc/vico/blobs-ca/ca.crt
{{- end }}
{{- end -}}

{{- define "vico.blobsEnv" -}}
{{- with include "vico.blobsSecret" . }}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ . }}, key: access-key-id}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: secret-access-key}}
{{- end }}
{{- with .Values.blobs.webIdentity.roleArn }}
- {name: AWS_ROLE_ARN, value: {{ . | quote }}}
- {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /etc/vico/identity/token}
{{- end }}
{{- end -}}

{{- define "vico.blobsMounts" -}}
{{- if .Values.blobs.webIdentity.roleArn }}
- {name: identity, mountPath: /etc/vico/identity, readOnly: true}
{{- end }}
{{- if .Values.blobs.caSecret }}
- {name: blobs-ca, mountPath: /etc/vico/blobs-ca, readOnly: true}
{{- end }}
{{- end -}}

{{- define "vico.blobsVolumes" -}}
{{- if .Values.blobs.webIdentity.roleArn }}
- name: identity
  projected:
    sources:
      - serviceAccountToken: {path: token, audience: {{ .Values.blobs.webIdentity.audience | quote }}, expirationSeconds: 3600}
{{- end }}
{{- with .Values.blobs.caSecret }}
- name: blobs-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end -}}

{{/* What a server may call: the database. */}}
{{- define "vico.databaseEgress" -}}
{{- if .Values.database.bundled.enabled }}
- to: [{podSelector: {matchLabels: {app.kubernetes.io/name: vico, app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/component: postgresql}}}]
  ports:
    - {protocol: TCP, port: 5432}
{{- else }}
- to: {{- toYaml .Values.networkPolicy.database | nindent 4 }}
  ports:
    - {protocol: TCP, port: {{ .Values.networkPolicy.databasePort }}}
{{- end }}
{{- end -}}

{{/* And the bucket. */}}
{{- define "vico.blobsEgress" -}}
{{- if .Values.blobs.bundled.enabled }}
- to: [{podSelector: {matchLabels: {app.kubernetes.io/name: vico, app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/component: seaweedfs}}}]
  ports:
    - {protocol: TCP, port: 8333}
{{- else }}
- to: {{- toYaml .Values.networkPolicy.blobs | nindent 4 }}
  ports:
    - {protocol: TCP, port: {{ .Values.networkPolicy.blobsPort }}}
{{- end }}
{{- end -}}

{{/* The variables of a program that sends spans: those that its secrets hold. */}}
{{- define "vico.tracingEnv" -}}
{{- with .Values.tracing.headersSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: {secretKeyRef: {name: {{ . }}, key: headers}}
{{- end }}
{{- if .Values.tracing.caSecret }}
- {name: SSL_CERT_FILE, value: /etc/vico/collector/ca.crt}
{{- end }}
{{- end -}}

{{/* What such a program may call: the collector. */}}
{{- define "vico.tracingEgress" -}}
{{- if and .Values.tracing.endpoint .Values.networkPolicy.collector }}
- to: {{- toYaml .Values.networkPolicy.collector | nindent 4 }}
  ports:
    - {protocol: TCP, port: {{ .Values.networkPolicy.collectorPort }}}
{{- end }}
{{- end -}}

{{/* And the resolver. */}}
{{- define "vico.dnsEgress" -}}
{{- with .Values.networkPolicy.dns }}
- to: {{- toYaml . | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end }}
{{- end -}}

{{/* The devices of a worker with this number of GPUs: cpu, cuda, or cuda:0,cuda:1 and so on */}}
{{- define "vico.devices" -}}
{{- if eq . 0 -}}
cpu
{{- else if eq . 1 -}}
cuda
{{- else -}}
{{- $devices := list -}}
{{- range $i := until . -}}
{{- $devices = append $devices (printf "cuda:%d" $i) -}}
{{- end -}}
{{- join "," $devices -}}
{{- end -}}
{{- end -}}

{{/* A container that brings the database to the schema of its image: dict "root" $ "secret" the password's secret */}}
{{- define "vico.migrate" -}}
image: {{ include "vico.image" (dict "image" .root.Values.server.image "root" .root) }}
imagePullPolicy: {{ .root.Values.server.image.pullPolicy }}
args:
  - migrate
  {{- include "vico.databaseArgs" . | nindent 2 }}
{{- with include "vico.databaseEnv" . | trim }}
env: {{- . | nindent 2 }}
{{- end }}
resources:
  requests: {cpu: 100m, memory: 128Mi}
  limits: {memory: 512Mi}
securityContext: {{- include "vico.containerSecurity" .root | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- with include "vico.databaseMounts" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}

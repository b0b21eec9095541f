# The images server, worker, worker-cuda and client: a build stage, and from it only what runs. They
# are made FROM scratch with the programs, the libraries these load, and the list of the packages
# they came from (/usr/share/doc/vico/packages.tsv, and sbom.cdx.json in CycloneDX); no shell, no package manager, user 65532, and
# nothing is written outside /var/lib/vico and /tmp.
#   docker build --target server -t vico-server .
#   docker build --target worker-cuda -t vico-worker-cuda .
# scripts/images builds them without a daemon and a registry.
# Debian 12 of 2026-08-24. A digest names the same image for ever; a newer one brings newer packages.
ARG BASE=debian:bookworm-slim@sha256:88200866dfff7ea7f5cbcb6ec7c8a701889efe6fe859fe64d6990e4b07ea4171

FROM ${BASE} AS binaries
# Which LibTorch: auto, wheel or debian, as scripts/bootstrap takes it.
ARG LIBTORCH=auto
WORKDIR /src
# build/images/out.tar is what deploy/images/binaries makes, if scripts/images was given programs.
COPY scripts/bootstrap build/images/out.ta[r] /given/
COPY scripts/requirements /given/requirements
RUN if [ -e /given/out.tar ]; then mkdir /out && tar -C /out -xf /given/out.tar; \
    else /given/bootstrap --libtorch ${LIBTORCH}; fi
COPY . .
RUN [ -d /out ] || deploy/images/binaries /out build/release ${LIBTORCH}

FROM scratch AS server
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Vico server" \
      org.opencontainers.image.description="Queue, blobs and API of Vico" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=binaries /out/server/ /
USER 65532:65532
ENV PATH=/usr/bin
EXPOSE 50051 50052 9464
VOLUME /var/lib/vico
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["/usr/bin/vico-health", "--tls", "localhost:50051"]
ENTRYPOINT ["/usr/bin/vico-server"]
CMD ["--data=/var/lib/vico/data"]

FROM scratch AS client
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Vico client" \
      org.opencontainers.image.description="Command line client of Vico" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=binaries /out/client/ /
USER 65532:65532
ENV PATH=/usr/bin
WORKDIR /pictures
ENTRYPOINT ["/usr/bin/vico"]
CMD ["--help"]

FROM scratch AS worker
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Vico worker" \
      org.opencontainers.image.description="Worker of Vico on a CPU, with the tiny base model" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=binaries /out/worker/ /
USER 65532:65532
ENV PATH=/usr/bin
HEALTHCHECK --interval=10s --timeout=5s --start-period=600s CMD ["/usr/bin/test", "-e", "/tmp/ready"]
ENTRYPOINT ["/usr/bin/vico-worker"]
CMD ["--help"]

# With LibTorch for CUDA and NVIDIA's libraries; the driver comes from NVIDIA's container toolkit.
FROM ${BASE} AS binaries-cuda
WORKDIR /src
COPY scripts/bootstrap scripts/bootstrap
COPY scripts/requirements scripts/requirements
RUN scripts/bootstrap --libtorch cuda
COPY . .
RUN deploy/images/binaries /out build/cuda cuda

FROM ${BASE} AS worker-cuda
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Vico worker for NVIDIA GPUs" \
      org.opencontainers.image.description="Worker of Vico on CUDA" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=binaries-cuda /out/worker/usr/bin/ /usr/bin/
COPY --from=binaries-cuda /out/worker/usr/lib/vico/ /usr/lib/vico/
COPY --from=binaries-cuda /out/worker/usr/share/ /usr/share/
ENV LD_LIBRARY_PATH=/usr/lib/vico NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=600s CMD ["/usr/bin/test", "-e", "/tmp/ready"]
ENTRYPOINT ["/usr/bin/vico-worker"]
CMD ["--help"]

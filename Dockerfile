# Darkroom on the CPU: docker build -t darkroom .
# For an NVIDIA GPU: docker build --target cuda -t darkroom:cuda .
# (needs the NVIDIA Container Toolkit on the host; run with --gpus all).

# What it stands on. `npm run -s image:pin` asks the registries for their digests and writes them behind the names.
ARG NODE_IMAGE=node:24-bookworm-slim
ARG CUDA_IMAGE=nvidia/cuda:13.0.2-cudnn-runtime-ubuntu24.04

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
# The image brings Node 24 itself, so the npm package "node" needs no install script here.
COPY package.json package-lock.json .npmrc ./
COPY playground/package.json playground/
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY scripts/prune-modules.cjs scripts/
RUN node scripts/prune-modules.cjs

FROM ${NODE_IMAGE} AS base
WORKDIR /app
# Health is asked inside the container alone; METRICS_HOST=0.0.0.0 tells Prometheus, too.
ENV NODE_ENV=production DATA_DIR=/data MODELS_DIR=/models LOG_LEVEL=info METRICS_PORT=9464
COPY --from=packages /app/node_modules node_modules
COPY package.json ARCHITECTURE.md README.md LICENSE ./
COPY scripts scripts
COPY src src
COPY commands commands
COPY playground playground
COPY models/demo /models/demo
COPY models/upscalers/demo /models/upscalers/demo
RUN mkdir -p /data && chown node:node /data && chmod 700 /data
VOLUME ["/data"]
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 CMD ["node", "scripts/healthcheck.cjs"]

# ONNX Runtime's CUDA provider comes from NuGet; since 1.27 it is built for CUDA 13 and cuDNN 9, which NVIDIA's image has.
# The build reads from the provider itself what it needs, and stops where the image does not have it.
FROM ${CUDA_IMAGE} AS cuda
COPY --from=base /usr/local/bin/node /usr/local/bin/node
COPY --from=base /app /app
COPY --from=base /models /models
WORKDIR /app
ENV NODE_ENV=production DATA_DIR=/data MODELS_DIR=/models LOG_LEVEL=info METRICS_PORT=9464 DEVICE=cuda
RUN DATA_DIR=/tmp/setup node scripts/run.cjs src/cli/setup-cuda.ts --libraries-only \
  && rm -rf /tmp/setup && useradd --uid 10001 --create-home darkroom && mkdir -p /data && chown darkroom /data && chmod 700 /data
USER darkroom
VOLUME ["/data"]
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 CMD ["node", "scripts/healthcheck.cjs"]
CMD ["node", "scripts/run.cjs", "src/main.ts"]

FROM base AS cpu
USER node
CMD ["node", "scripts/run.cjs", "src/main.ts"]

# Darkroom on the CPU. For an NVIDIA GPU: docker build --target cuda -t darkroom:cuda .
# (needs the NVIDIA Container Toolkit on the host; run with --gpus all).

FROM node:24-bookworm-slim AS base
WORKDIR /app
ENV NODE_ENV=production DATA_DIR=/data MODELS_DIR=/models LOG_LEVEL=info
# the image brings Node 24 itself, so the npm package "node" needs no install script here
COPY package.json package-lock.json .npmrc ./
COPY playground/package.json playground/
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY tsconfig.json ARCHITECTURE.md README.md LICENSE ./
COPY scripts scripts
COPY src src
COPY commands commands
COPY playground playground
COPY models/demo /models/demo
COPY models/upscalers/demo /models/upscalers/demo
RUN mkdir -p /data && chown node:node /data
VOLUME ["/data"]
EXPOSE 3000
STOPSIGNAL SIGTERM

# ONNX Runtime's CUDA provider comes from NuGet; since 1.27 it is built for CUDA 13 and cuDNN 9, which NVIDIA's image has.
# The build reads from the provider itself what it needs, and stops where the image does not have it.
FROM nvidia/cuda:13.0.2-cudnn-runtime-ubuntu24.04 AS cuda
COPY --from=base /usr/local/bin/node /usr/local/bin/node
COPY --from=base /app /app
COPY --from=base /models /models
WORKDIR /app
ENV NODE_ENV=production DATA_DIR=/data MODELS_DIR=/models DEVICE=cuda
RUN DATA_DIR=/tmp/setup node scripts/run.cjs src/cli/setup-cuda.ts --libraries-only \
  && rm -rf /tmp/setup && useradd --uid 10001 --create-home darkroom && mkdir -p /data && chown darkroom /data
USER darkroom
VOLUME ["/data"]
EXPOSE 3000
CMD ["node", "scripts/run.cjs", "src/main.ts"]

FROM base AS cpu
USER node
CMD ["node", "scripts/run.cjs", "src/main.ts"]

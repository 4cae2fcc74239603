# One image for every command: `docker run … tidegauge collect`, `detect`, `review` and so on.
# Debian's bpftrace is in it; the kernel's BTF, tracefs and cgroup tree come from the host (see compose.yaml).

FROM node:24-bookworm-slim AS dependencies
WORKDIR /opt/tidegauge
COPY package.json package-lock.json ./
# The optional packages bring a Node of their own, which this image is.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends bpftrace \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -m 700 -o node -g node /var/lib/tidegauge
WORKDIR /opt/tidegauge
COPY --from=dependencies /opt/tidegauge/node_modules node_modules
COPY . .
# The data directory of every user that it runs as.
ENV NODE_ENV=production \
    TIDEGAUGE_DATA=/var/lib/tidegauge \
    NODE_OPTIONS=--disable-warning=ExperimentalWarning
VOLUME /var/lib/tidegauge
ENTRYPOINT ["node", "cli/main.ts"]
CMD ["run"]

# Two stages: one builds, one runs. Nothing runs as root; the workspace is a volume.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY migrations migrations
COPY rules rules
COPY templates templates
COPY tests tests
RUN cargo build --release --locked --bin bellwire

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --create-home --home-dir /workspace bellwire
COPY --from=build /source/target/release/bellwire /usr/local/bin/bellwire
USER bellwire
WORKDIR /workspace
VOLUME /workspace
ENV BELLWIRE_SERVER_LISTEN=0.0.0.0:8000
EXPOSE 8000
ENTRYPOINT ["bellwire"]
CMD ["serve"]

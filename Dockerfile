# Two stages: the first builds, the second holds the binary, certificates and zones, and runs as nobody in particular.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked \
    && mkdir -p /out/workspace/data \
    && cp target/release/bellwire /out/

FROM debian:bookworm-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /out/bellwire /usr/local/bin/bellwire
COPY --from=build --chown=65532:65532 /out/workspace /workspace
USER 65532:65532
WORKDIR /workspace
# Mount the workspace at /workspace (rules, templates, bellwire.toml) and a volume for the database.
VOLUME /workspace/data
# Inside a container the loopback reaches nobody. Publish the port to a reverse proxy with TLS, not to the world.
# The admin is served there too, and the server does not start until it is told that browsers reach it by TLS:
#   docker run -e BELLWIRE_SERVER_PUBLIC_URL=https://bellwire.example.com ...
# or, to keep the admin inside, -e BELLWIRE_SERVER_ADMIN_LISTEN=127.0.0.1:8001.
ENV BELLWIRE_SERVER_LISTEN=0.0.0.0:8000
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["bellwire"]
CMD ["serve"]

# Sidehook in a container. Build: docker build -t sidehook .
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /sidehook ./cmd/sidehook

FROM alpine:3.22
RUN apk add --no-cache ca-certificates && mkdir -p /data /config /etc/sidehook
COPY --from=build /sidehook /usr/bin/sidehook
# Caddy keeps its certificates below XDG_DATA_HOME, and Sidehook its journal and
# store unless the Caddyfile says `store badger DIRECTORY`: both outlive the container.
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
VOLUME /data /config
EXPOSE 80 443 443/udp 8080
# Degraded (the journal or the store cannot write) is not healthy; calls still go through.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
	CMD wget -q -O /dev/null http://localhost:2019/sidehook/health || exit 1
# Give it the 5 s that a shutdown may take: docker stop -t 10 (the default) does.
CMD ["sidehook", "run", "--config", "/etc/sidehook/Caddyfile"]

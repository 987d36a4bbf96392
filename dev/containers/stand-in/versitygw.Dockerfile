# In place of ghcr.io/versity/versitygw: the same release, built from its Go module.
FROM prompt-processing-stand-in/debian:bookworm
COPY versitygw /usr/local/bin/versitygw
ENTRYPOINT ["/usr/local/bin/versitygw"]

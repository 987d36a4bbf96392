# In place of postgres:18, with the binaries of the plain processes: its variables, its data folder, its account.
FROM prompt-processing-stand-in/debian:bookworm
RUN useradd --uid 999 --create-home postgres && install -d -o postgres /var/lib/postgresql
COPY postgres /opt/postgres
COPY postgres.sh /usr/local/bin/postgres.sh
ENV PATH=/opt/postgres/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
USER postgres
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["bash", "/usr/local/bin/postgres.sh"]
CMD ["postgres"]

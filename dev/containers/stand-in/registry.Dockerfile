# In place of apicurio/apicurio-registry: the same program, which reads the same variables.
FROM prompt-processing-stand-in/java:17
RUN useradd --uid 1001 --create-home registry
COPY registry /opt/registry
WORKDIR /opt/registry
USER registry
ENV QUARKUS_HTTP_HOST=0.0.0.0
ENTRYPOINT ["sh", "-c", "exec java -Xmx384m -XX:+UseSerialGC -jar *-runner.jar"]

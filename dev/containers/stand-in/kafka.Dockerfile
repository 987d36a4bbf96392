# In place of apache/kafka: its account, its data folder, its variables.
FROM prompt-processing-stand-in/java:17
RUN useradd --uid 1000 --create-home appuser && install -d -o appuser /var/lib/kafka/data
COPY libs /opt/kafka/libs
COPY kafka.sh /usr/local/bin/kafka.sh
USER appuser
VOLUME /var/lib/kafka/data
CMD ["bash", "/usr/local/bin/kafka.sh"]

# In place of andrewgaul/s3proxy, on its port, with its variables.
FROM prompt-processing-stand-in/java:17
# Without it Java knows only file names in ASCII.
ENV LANG=C.UTF-8
COPY s3proxy.jar /opt/s3proxy.jar
COPY s3proxy.sh /usr/local/bin/s3proxy.sh
RUN mkdir /data
CMD ["bash", "/usr/local/bin/s3proxy.sh"]

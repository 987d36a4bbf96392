set -euo pipefail
cat >/tmp/s3proxy.properties <<END
s3proxy.endpoint=http://0.0.0.0:80
s3proxy.authorization=$S3PROXY_AUTHORIZATION
s3proxy.identity=$S3PROXY_IDENTITY
s3proxy.credential=$S3PROXY_CREDENTIAL
jclouds.provider=$JCLOUDS_PROVIDER
jclouds.filesystem.basedir=/data
END
exec java -Xmx512m -XX:+UseSerialGC -jar /opt/s3proxy.jar --properties /tmp/s3proxy.properties

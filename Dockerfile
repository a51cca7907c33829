# The whole service in one image: API, HL7 listener, worker and the private store. Built and run without root.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements ./requirements
RUN python -m venv /opt/reachpoint \
 && /opt/reachpoint/bin/pip install --no-cache-dir --require-hashes -r requirements/build.lock \
 && /opt/reachpoint/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.lock
COPY . .
RUN /opt/reachpoint/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/reachpoint reachpoint
COPY --from=build /opt/reachpoint /opt/reachpoint
ENV PATH=/opt/reachpoint/bin:$PATH REACHPOINT_DATA_DIR=/var/lib/reachpoint/data
USER reachpoint
VOLUME /var/lib/reachpoint
EXPOSE 8080 2575
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/v1/ready', timeout=2)"]
ENTRYPOINT ["reachpoint"]
CMD ["run"]

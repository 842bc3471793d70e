# One image for the API, the workers, the sweep, the migrations and the demo teacher.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv --without-pip /opt/cultivar
WORKDIR /app
COPY requirements.lock ./
# The build backend first: it builds the one dependency that comes as source, and this project.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > /tmp/backend.lock \
    && pip --python /opt/cultivar install --no-deps --require-hashes -r /tmp/backend.lock \
    && pip --python /opt/cultivar install --no-deps --require-hashes --no-build-isolation \
        -r requirements.lock
COPY . .
RUN pip --python /opt/cultivar install --no-deps --no-index --no-build-isolation --editable . \
    && pip --python /opt/cultivar uninstall --yes setuptools \
    && /opt/cultivar/bin/python -m compileall -q app workers

FROM python:3.13-slim
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/cultivar cultivar \
    && install --directory --owner cultivar --group cultivar --mode 0700 /var/lib/cultivar
COPY --from=build /opt/cultivar /opt/cultivar
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/cultivar/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    CULTIVAR_HOME=/var/lib/cultivar
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "app.embedded.web", "--host", "0.0.0.0", "--port", "8000", "--behind-tls-proxy", "--trusted-proxies", "172.16.0.0/12,192.168.0.0/16"]

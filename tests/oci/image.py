"""image.py - an OCI image archive with one layer: image.py OUT.tar NAME ARGS_JSON FILE..."""
import gzip, hashlib, io, json, os, sys, tarfile

out, name, args, files = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4:]
blobs = {}

def blob(data):
    digest = hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return {"digest": "sha256:" + digest, "size": len(data)}

layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as t:
    for f in files:
        t.add(f, arcname=os.path.basename(f))
layer = layer.getvalue()
config = blob(json.dumps({
    "architecture": "amd64", "os": "linux", "config": {"Entrypoint": args, "Env": ["PATH=/"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    "history": [{"created_by": "test"}]}).encode())
config["mediaType"] = "application/vnd.oci.image.config.v1+json"
packed = blob(gzip.compress(layer, mtime=0))
packed["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                            "config": config, "layers": [packed]}).encode())
manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
manifest["annotations"] = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}
manifest["platform"] = {"architecture": "amd64", "os": "linux"}

def add(t, path, data):
    info = tarfile.TarInfo(path)
    info.size = len(data)
    t.addfile(info, io.BytesIO(data))

with tarfile.open(out, "w") as t:
    add(t, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
    add(t, "index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
    for digest, data in blobs.items():
        add(t, "blobs/sha256/" + digest, data)

# tries: Reads an archive whose many entries overlap into memory at once.
# must: refused memory
# limits: cpu=20000ms
import io
import zipfile


async def main():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(str(number), b"\0" * 40_000_000)
    with zipfile.ZipFile(target) as archive:
        return [archive.read(name) for name in archive.namelist()]

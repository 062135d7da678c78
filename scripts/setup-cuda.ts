/**
 * `npm run setup:cuda`: fetches ONNX Runtime's CUDA libraries (about 400 MB, from NuGet) next to the ones npm
 * brought, after looking for what they need. `--libraries-only` skips the look (building an image on a
 * machine without a GPU).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const NEEDS = `CUDA needs: Linux on x86-64, an NVIDIA driver >= 525, CUDA 12 and cuDNN 9
(Debian/Ubuntu with NVIDIA's repository: apt-get install cuda-libraries-12-8 libcudnn9-cuda-12).`;

function main(): number {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.error(`${NEEDS}\nThis is ${process.platform} on ${process.arch}. ${alternative()}`);
    return 1;
  }
  if (!process.argv.includes('--libraries-only')) {
    const missing = whatIsMissing();
    if (missing.length > 0) {
      console.error(
        `${NEEDS}\nNot found here: ${missing.join('; ')}. Install that, then run npm run setup:cuda again.`,
      );
      return 1;
    }
  }
  const packageFolder = path.dirname(
    createRequire(import.meta.url).resolve('onnxruntime-node/package.json'),
  );
  console.log('Fetching the CUDA libraries of ONNX Runtime from NuGet (about 400 MB) …');
  const fetched = spawnSync(process.execPath, [path.join(packageFolder, 'script', 'install.js')], {
    stdio: 'inherit',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'cuda12' },
  });
  const library = path.join(
    packageFolder,
    'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so',
  );
  if (fetched.status !== 0 || !existsSync(library)) {
    console.error(
      'The CUDA libraries could not be fetched: see the lines above. api.nuget.org must be reachable; behind a proxy ' +
        'set GLOBAL_AGENT_HTTPS_PROXY. Darkroom goes on working on the CPU.',
    );
    return 1;
  }
  console.log(
    'CUDA support is installed. Try it: DEVICE=cuda npm run -s imagine -- "a red heart on a white background"',
  );
  return 0;
}

function whatIsMissing(): string[] {
  const missing: string[] = [];
  if (succeeds('nvidia-smi', ['-L']) === null)
    missing.push('an NVIDIA driver (nvidia-smi does not answer)');
  const libraries = succeeds('ldconfig', ['-p']) ?? '';
  if (!libraries.includes('libcudart.so.12')) missing.push('CUDA 12 (libcudart.so.12)');
  if (!libraries.includes('libcudnn.so.9')) missing.push('cuDNN 9 (libcudnn.so.9)');
  return missing;
}

function succeeds(command: string, args: string[]): string | null {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return null;
  }
}

function alternative(): string {
  if (process.platform === 'win32')
    return 'On Windows use DEVICE=dml or DEVICE=webgpu: they need no set-up.';
  if (process.platform === 'darwin')
    return 'On a Mac use DEVICE=coreml or DEVICE=webgpu: they need no set-up.';
  return 'DEVICE=webgpu may work without any set-up.';
}

process.exitCode = main();

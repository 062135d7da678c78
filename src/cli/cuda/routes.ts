/** How the libraries that are missing can be had, every way with its commands. */
import { readFileSync } from 'node:fs';

export type System = {
  /** of /etc/os-release, e.g. debian */
  id: string;
  version: string;
  like: readonly string[];
};

/** This machine's distribution, or what `text` says in the words of /etc/os-release. */
export function readSystem(text = osRelease()): System {
  const value = (name: string): string =>
    new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1]?.toLowerCase() ?? '';
  return { id: value('ID'), version: value('VERSION_ID'), like: value('ID_LIKE').split(' ') };
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

/** NVIDIA's packages for Debian's and Red Hat's families, whose names end in CUDA's version. */
const PACKAGES: Readonly<Record<string, (cuda: string) => string>> = {
  libcudart: (cuda) => `cuda-cudart-${cuda}`,
  libcublas: (cuda) => `libcublas-${cuda}`,
  libcublasLt: (cuda) => `libcublas-${cuda}`,
  libcurand: (cuda) => `libcurand-${cuda}`,
  libcufft: (cuda) => `libcufft-${cuda}`,
  libnvrtc: (cuda) => `cuda-nvrtc-${cuda}`,
  libnvJitLink: (cuda) => `libnvjitlink-${cuda}`,
};

export type Wish = {
  libraries: readonly string[];
  cuda: number;
  /** the newest CUDA that the driver runs; null: not known */
  driverCuda: string | null;
};

/** The system's packages that bring these libraries, in the version that the driver runs. */
export function packagesFor({ libraries, cuda, driverCuda }: Wish): string[] {
  const own =
    driverCuda !== null && Number.parseInt(driverCuda, 10) === cuda ? driverCuda : `${cuda}.0`;
  const names = libraries.map((library) => {
    const [name = '', version = ''] = library.split('.so.');
    if (name === 'libcudnn') return `libcudnn${Number.parseInt(version, 10)}-cuda-${cuda}`;
    return PACKAGES[name]?.(own.replace('.', '-')) ?? library;
  });
  return [...new Set(names)];
}

/** Every way to the libraries that works here, the one without the administrator's rights first. */
export function routesInWords(wish: Wish, system: System): string {
  const packages = packagesFor(wish).join(' ');
  return [
    'Each of these ways brings them:',
    '',
    '  1. NVIDIA’s wheels, into the data folder; no Python, no administrator, about 1.2 GB:',
    '       npm run setup:cuda -- --wheels',
    '',
    '  2. the system’s packages:',
    ...systemLines(packages, system).map((line) => `       ${line}`),
    '     then npm run setup:cuda again',
    '',
    '  3. the container, with the NVIDIA Container Toolkit on this machine:',
    '       docker build --target cuda -t darkroom:cuda . && docker run --gpus all … darkroom:cuda',
    '',
  ].join('\n');
}

const REPOSITORY = 'https://developer.download.nvidia.com/compute/cuda/repos';

function systemLines(packages: string, { id, version, like }: System): string[] {
  const isOf = (distribution: string): boolean =>
    id === distribution || like.includes(distribution);
  if (id === 'ubuntu' || id === 'debian') {
    const folder = `${id}${id === 'ubuntu' ? version.replace('.', '') : version}`;
    return [
      `wget ${REPOSITORY}/${folder}/x86_64/cuda-keyring_1.1-1_all.deb && sudo dpkg -i cuda-keyring_1.1-1_all.deb`,
      `sudo apt-get update && sudo apt-get install ${packages}`,
    ];
  }
  if (isOf('debian') || isOf('ubuntu')) {
    return [`sudo apt-get install ${packages}   (from NVIDIA’s repository, ${REPOSITORY}/)`];
  }
  if (isOf('fedora') || isOf('rhel') || isOf('centos')) {
    const folder =
      id === 'fedora' ? `fedora${version}` : `rhel${Number.parseInt(version, 10) || 9}`;
    return [
      `sudo dnf config-manager --add-repo ${REPOSITORY}/${folder}/x86_64/cuda-${folder}.repo`,
      `sudo dnf install ${packages}`,
    ];
  }
  if (isOf('arch')) return ['sudo pacman -S cuda cudnn'];
  if (isOf('suse') || isOf('opensuse'))
    return [`sudo zypper install ${packages}   (from ${REPOSITORY}/)`];
  return [`${packages}, from ${REPOSITORY}/ or your distribution`];
}

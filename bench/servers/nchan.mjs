import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

/** Where Debian and Ubuntu put them (apt-get install nginx libnginx-mod-nchan). */
const NGINX = '/usr/sbin/nginx';
const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** @returns {string | null} why it cannot be run here */
export function nchanMissing() {
  return existsSync(NGINX) && existsSync(MODULE)
    ? null
    : 'not there (apt-get install nginx-light libnginx-mod-nchan)';
}

/**
 * nginx with a configuration and a folder of its own.
 *
 * @param {string} folder
 * @param {number} port
 * @returns {Promise<string[]>} the command
 */
export async function nchanCommand(folder, port) {
  const own = join(folder, 'nginx');
  await mkdir(own, { recursive: true });
  const file = join(own, 'nginx.conf');
  await writeFile(file, configuration(own, port));
  return [NGINX, '-p', own, '-c', file, '-e', 'stderr'];
}

/**
 * @param {string} folder
 * @param {number} port
 */
function configuration(folder, port) {
  // As root it would give the work to a user who may not read the folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  return `
load_module ${MODULE};
${user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/pid;
error_log stderr error;
events { worker_connections 16000; }
http {
  access_log off;
  ${folders}
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location /publish {
      nchan_publisher;
      nchan_channel_id bench;
      nchan_message_buffer_length 1000;
    }
    location / {
      nchan_subscriber eventsource;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
    }
  }
}
`;
}

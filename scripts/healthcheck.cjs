// Asks the program of this machine whether it is healthy: exit 0, or 1 and why. For Docker's HEALTHCHECK.
'use strict';

var port = process.env.METRICS_PORT || '9464';
var host = process.env.METRICS_HOST || '127.0.0.1';
// All addresses are one to listen on, not one to ask.
if (host === '0.0.0.0' || host === '::') host = '127.0.0.1';
if (host.indexOf(':') >= 0) host = '[' + host + ']';

fetch('http://' + host + ':' + port + '/healthz', { signal: AbortSignal.timeout(8000) })
  .then(function (answer) {
    return answer.text().then(function (text) {
      console.log(text.trim());
      process.exitCode = answer.ok ? 0 : 1;
    });
  })
  .catch(function (error) {
    console.log(String((error.cause && error.cause.message) || error.message));
    process.exitCode = 1;
  });

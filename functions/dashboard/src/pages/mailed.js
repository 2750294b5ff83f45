
// The link's token stays behind the # until it is used up, so that a reload can try again; no server and no log sees what
// stands there.
const token = location.hash.slice(1);

const confirmLink = (path, body, done) => send(path, { token, ...body }, () => end(done));

if (!token) end("There is nothing to do here without the link from the mail. Open that link, whole.");

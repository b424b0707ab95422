/** What the terminal can do beside the commands that are the same everywhere; `help` shows it below them. */

export const ownWords = `
At a terminal also:
    parhelia serve                       run the service (webhooks, engine, gateway)
    parhelia config                      show the settings and where each comes from
    parhelia init                        write the first settings of this repository for its tasks on GitHub
    parhelia config check [FILE]         read them as the service does
    parhelia store export [FILE]         everything that the store holds, as a file or to a pipe
    parhelia store import FILE           a file of an export, into an empty store
    parhelia halt [reason]               start nothing new on any replica; \`halt --off\` starts again
    parhelia stop --all                  halt, cancel every task, end every sandbox; \`--yes\` does not ask
    parhelia health [--json]             look from a sandbox whether tasks have all that they need
    parhelia logs --task ID [-f]         what a task did; \`--app\` all that was done, \`--function NAME\` one part of it
    parhelia doctor [--json]             look at the whole installation: App, webhook, clock, store, backend
    parhelia deploy [--tag TAG]          all that tasks on Modal need: app, image, volume, secrets, health
    parhelia image build [--tag TAG]     build an image for sandboxes on Modal, and try it
    parhelia image list                  all images and which one is live; \`image show [TAG]\` tells more of one
    parhelia image promote TAG           start tasks from it; \`image rollback [TAG]\` from the one before
    parhelia schedule [--json]           when the service does its scheduled jobs next, and how they went
    parhelia e2e [--level LEVEL]         try on the Modal account what only an account can confirm
    parhelia volume init                 make the volume of Modal's sandboxes and its folders; \`volume ls\` lists it
    parhelia volume backup [FILE]        save it as an archive; \`volume restore FILE\` puts it back
    parhelia run --repo DIR …            work on another repository than this one
    parhelia status [task] --json        for programs; \`budget\` and \`pricing\` take it as well
`;

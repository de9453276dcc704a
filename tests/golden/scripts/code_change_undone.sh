attempt undo-current point_current 20261123-100000-0000002
attempt undo-switch switch 20261123-100000-0000002 8000
attempt undo-start remove_release 20261123-120000-0000003
attempt undo-migrate end_migration 20261123-120000-0000003
attempt undo-build remove_image trading-app-production:20261123-120000-0000003
attempt undo-receive drop_release
attempt undo-lock release_lock
